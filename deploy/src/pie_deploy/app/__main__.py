from pie_deploy.app.process import main

main()
